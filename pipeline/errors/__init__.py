"""What can go wrong, as facts; the sentence is built here, once.

    PipelineError            exit code
    ├── UsageError               1   a value that was given can't be used
    │   ├── KeyRequired          1   a paid day was asked for without a key
    │   ├── KeyOpensNothing      1   the key is of no use for this exchange
    │   ├── LakeEmpty            1   a question was asked where there is no lake yet
    │   └── QueryRefused         1   DuckDB does not take a query
    ├── Unfit                    1   a diagnosis found something wrong
    ├── ServiceRefused           1   the service's final no: 400, 401, 403, 404
    ├── ServiceUnreachable       3   the service gave no answer, however often it was asked
    ├── MinutesLacking           3   minutes that were asked for did not arrive
    ├── LakeError                2   the lake can't be written, or says other than raw
    │   ├── LakeUnwritable       2
    │   ├── DiskNearlyFull       2   a run stopped before the disk was full
    │   ├── LakeForbidden        2   there is no permission to read it
    │   ├── LakeDamaged          2   a partition can't be read
    │   ├── LakeOutdated         2   another version of this program wrote it
    │   ├── LakeDisagrees        2
    │   ├── LakeDiffers          2   a verification found that it says other than raw
    │   ├── LakeInconsistent     2   the lake disagrees with itself
    │   └── WorkerLost           2
    ├── SliceCorrupt             3   a file that should be a whole slice is none
    ├── RawDropped               3   a day is to be made again from slices that were dropped
    └── LockHeld                75   another run works on this data folder

Every error carries its facts as attributes. None carries a key.
"""

from pipeline.errors.lake import (
    DiskNearlyFull,
    LakeDamaged,
    LakeDiffers,
    LakeDisagrees,
    LakeError,
    LakeForbidden,
    LakeInconsistent,
    LakeOutdated,
    LakeUnwritable,
    WorkerLost,
)
from pipeline.errors.root import PipelineError
from pipeline.errors.service import (
    MinutesLacking,
    RawDropped,
    ServiceRefused,
    ServiceUnreachable,
    SliceCorrupt,
)
from pipeline.errors.usage import (
    KeyOpensNothing,
    KeyRequired,
    LakeEmpty,
    LockHeld,
    QueryRefused,
    Unfit,
    UsageError,
)

__all__ = [
    "DiskNearlyFull",
    "KeyOpensNothing",
    "KeyRequired",
    "LakeDamaged",
    "LakeDiffers",
    "LakeDisagrees",
    "LakeEmpty",
    "LakeError",
    "LakeForbidden",
    "LakeInconsistent",
    "LakeOutdated",
    "LakeUnwritable",
    "LockHeld",
    "MinutesLacking",
    "PipelineError",
    "QueryRefused",
    "RawDropped",
    "ServiceRefused",
    "ServiceUnreachable",
    "SliceCorrupt",
    "Unfit",
    "UsageError",
    "WorkerLost",
]
