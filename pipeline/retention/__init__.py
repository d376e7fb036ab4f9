"""What becomes of raw slices that are old: nothing, or less of them.

thinning.py   gzip → zstd, the same lines, proven so before the gzip goes
dropping.py   what Tardis could serve again, and the proof without which none goes
policy.py     the days that are old enough, in order, as long as there is time
"""

from pipeline.retention.policy import RetentionReport, retain

__all__ = ["RetentionReport", "retain"]
