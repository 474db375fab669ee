"""S3 on one machine: a directory, and the rows that say what lies in it."""

from pupline.local.bucket._bucket import LocalBucket, StoredFile
from pupline.local.bucket._files import BucketFiles, Removal, name_file
from pupline.local.bucket._object_rows import BucketObject, forget_objects, insert_intents, is_taken, move_intent
from pupline.local.bucket._paths import candidates, folded, parents
from pupline.local.bucket._recovery import RecoveryPlan, plan_recovery, recover
from pupline.local.bucket._tmp import UndeletedFiles

__all__ = [
    "BucketFiles",
    "BucketObject",
    "LocalBucket",
    "RecoveryPlan",
    "Removal",
    "StoredFile",
    "UndeletedFiles",
    "candidates",
    "folded",
    "forget_objects",
    "insert_intents",
    "is_taken",
    "move_intent",
    "name_file",
    "parents",
    "plan_recovery",
    "recover",
]
