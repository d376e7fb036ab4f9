"""What of Kubernetes's batch/v1 a manifest may say: field by field, nothing else is taken."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = ["CronJob"]


class _Known(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An object of the API of which every field is known here."""


class Metadata(_Known):
    name: str


class SecretKeyRef(_Known):
    name: str
    key: str
    optional: bool = False


class ValueFrom(_Known):
    secretKeyRef: SecretKeyRef  # noqa: N815 - Kubernetes's spelling, here and below


class EnvVar(_Known):
    name: str
    value: str | None = None
    valueFrom: ValueFrom | None = None  # noqa: N815


class Resources(_Known):
    requests: dict[Literal["cpu", "memory"], str]
    limits: dict[Literal["cpu", "memory"], str]


class Capabilities(_Known):
    drop: list[str]


class ContainerSecurity(_Known):
    allowPrivilegeEscalation: bool  # noqa: N815
    readOnlyRootFilesystem: bool  # noqa: N815
    capabilities: Capabilities


class VolumeMount(_Known):
    name: str
    mountPath: str  # noqa: N815


class Container(_Known):
    name: str
    image: str
    command: list[str]
    env: list[EnvVar]
    resources: Resources
    securityContext: ContainerSecurity  # noqa: N815
    volumeMounts: list[VolumeMount]  # noqa: N815


class Claim(_Known):
    claimName: str  # noqa: N815


class Volume(_Known):
    name: str
    persistentVolumeClaim: Claim | None = None  # noqa: N815
    emptyDir: dict[str, Any] | None = None  # noqa: N815


class PodSecurity(_Known):
    runAsNonRoot: bool  # noqa: N815
    runAsUser: int  # noqa: N815
    runAsGroup: int  # noqa: N815
    fsGroup: int  # noqa: N815


class PodSpec(_Known):
    restartPolicy: Literal["Never", "OnFailure"]  # noqa: N815
    terminationGracePeriodSeconds: int  # noqa: N815
    securityContext: PodSecurity  # noqa: N815
    containers: list[Container]
    volumes: list[Volume]


class PodTemplate(_Known):
    spec: PodSpec


class OnExitCodes(_Known):
    containerName: str  # noqa: N815
    operator: Literal["In", "NotIn"]
    values: list[int]


class FailureRule(_Known):
    action: Literal["FailJob", "Ignore", "Count", "FailIndex"]
    onExitCodes: OnExitCodes  # noqa: N815


class FailurePolicy(_Known):
    rules: list[FailureRule]


class JobSpec(_Known):
    backoffLimit: int  # noqa: N815
    podFailurePolicy: FailurePolicy  # noqa: N815
    template: PodTemplate


class JobTemplate(_Known):
    spec: JobSpec


class CronJobSpec(_Known):
    schedule: str
    timeZone: str  # noqa: N815
    concurrencyPolicy: Literal["Allow", "Forbid", "Replace"]  # noqa: N815
    startingDeadlineSeconds: int  # noqa: N815
    successfulJobsHistoryLimit: int  # noqa: N815
    failedJobsHistoryLimit: int  # noqa: N815
    jobTemplate: JobTemplate  # noqa: N815


class CronJob(_Known):
    """The manifest of a CronJob, as far as ours goes."""

    apiVersion: str  # noqa: N815
    kind: str
    metadata: Metadata
    spec: CronJobSpec
