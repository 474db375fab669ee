"""The console's lists over a deployed stack: what Step Functions, DynamoDB and SNS can answer in bounded time."""

from pupline.backends.stack.pages._pages import StackPages

__all__ = ["StackPages"]
