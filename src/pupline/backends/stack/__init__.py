"""The backend on AWS: a stack deployed with template.yaml, read and driven through AWS's own APIs.

    backend = StackBackend("pupline")
    for record in backend.records(): ...

Everything is found from the CloudFormation stack, by the logical names of template.yaml. Credentials and region come
from boto3's own chain. Nothing here runs in Lambda.
"""

from pupline.backends.stack._backend import StackBackend

__all__ = ["StackBackend"]
