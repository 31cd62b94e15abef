"""A test double of JumpCloud's public API, as its published schemas and recorded replies have it.

`tests/directory/run --help` starts it for a rehearsal; the system tests import it (tests/system/jumpcloud.py):

    with Double() as double:
        double.tenant.add_user("dora", bound=True)
        double.tenant.suspend("dora")
        double.faults.order("status", path="/api/systemusers", status=429, retry_after=2)
        double.journal.count()
"""
from .double import Double
from .faults import FAULTS
from .tenant import Tenant, object_id

__all__ = ["Double", "FAULTS", "Tenant", "object_id"]
