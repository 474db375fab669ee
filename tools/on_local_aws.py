"""Run a command where AWS is a local AWS, and images come from the built-in sample pictures.

    python -m tools.on_local_aws COMMAND [ARGUMENT ...]

AWS_ENDPOINT_URL and credentials are set, so that sam, pupline and the AWS CLI find MiniStack, and SAMPLE_SOURCE is the
address of an image API on 127.0.0.1, for the template's parameter Source. The exit code is the command's.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from pupline.samples import SampleServer
from tools import local_aws


def main(command: list[str]) -> int:
    """Run the command and give its exit code."""
    if not command or (why := local_aws.missing()):
        sys.stderr.write(f"{why if command else 'name a command to run'}\n")
        return 2
    with (
        tempfile.TemporaryDirectory() as directory,
        SampleServer() as sample,
        local_aws.LocalAws(Path(directory) / "ministack.log") as aws,
    ):
        environment = local_aws.plain_environment() | {
            "AWS_DEFAULT_REGION": local_aws.REGION,
            "AWS_ENDPOINT_URL": aws.endpoint,
            "SAMPLE_SOURCE": f"http://127.0.0.1:{sample.port}/api",
        }
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
