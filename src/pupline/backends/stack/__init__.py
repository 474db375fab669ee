"""The commands' other end: a stack deployed with template.yaml, read and driven through AWS's own APIs.

    account = Account.of_environment()
    stack = Stack.find(account, "pupline")
    for record in StackReader(account, stack).records():
        ...

Everything is found from the CloudFormation stack, by the logical names of template.yaml. Credentials and region come by
boto3's own chain. Nothing here runs in Lambda.
"""

from pupline.backends.stack._account import Account
from pupline.backends.stack._doctor import examine_stack
from pupline.backends.stack._ingest import ingest_on_stack
from pupline.backends.stack._reader import StackReader
from pupline.backends.stack._redrive import StackRedrive
from pupline.backends.stack._runs import StackRun, StackRunReport, StackRunRequest
from pupline.backends.stack._stack import Stack
from pupline.backends.stack._watch import Timer

__all__ = [
    "Account",
    "Stack",
    "StackReader",
    "StackRedrive",
    "StackRun",
    "StackRunReport",
    "StackRunRequest",
    "Timer",
    "examine_stack",
    "ingest_on_stack",
]
