"""The reference pages in docs/, made from the code. Pure: each function returns the text of one page.

`docs/build.py` writes them; `make check` fails when a page and the code disagree.
"""

from patrol.reference.acl import mosquitto_acl
from patrol.reference.commands import commands_page
from patrol.reference.config import config_page, config_schema
from patrol.reference.errors import errors_page
from patrol.reference.wire import wire_page

__all__ = ["commands_page", "config_page", "config_schema", "errors_page", "mosquitto_acl", "wire_page"]
