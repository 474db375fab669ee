"""docs/security.md and the template name the same permissions."""

from collections import Counter

from tests.aws.aws_security_page import of_page, of_template
from tests.aws.aws_template import MISSING
from tests.shared.needed_tools import needs

pytestmark = needs(MISSING)


def test_the_page_has_every_permission_of_the_template() -> None:
    """Each statement of each role and resource has its row, with its actions, resources and conditions."""
    missing = of_template() - set(of_page())
    assert not missing, "add to docs/security.md, each with its reason:\n" + "\n".join(
        row.line() for row in sorted(missing)
    )


def test_the_page_has_no_permission_that_the_template_has_not() -> None:
    """No row is out of date, and none is there twice."""
    surplus = set(of_page()) - of_template()
    assert not surplus, "remove from docs/security.md:\n" + "\n".join(row.line() for row in sorted(surplus))
    assert [row.line() for row, times in Counter(of_page()).items() if times > 1] == []
