"""What can go wrong with a journal, as far as somebody acts on the difference.

Rule: after `JournalFault`, `JournalFenced`, `JournalReplaced` or `JournalDamaged` from a writing journal the process is
to end. It must not try again: what it believes may no longer be what is on disk. The next start reads what is there.
"""

from fsm.errors import SprintError

AFTER_DAMAGE = (
    "keep the file as it is; `fsm-sprint verify` says what is wrong with it,"
    " `fsm-sprint journal recover` makes a new one of what is whole"
)
"""What to tell whoever meets a damaged journal."""


class JournalError(SprintError):
    """Base of all that a journal raises."""


class JournalBusy(JournalError):
    """Another process kept the write lock of the database for longer than we wait. Nothing was written."""


class JournalFault(JournalError):
    """The disk or SQLite failed. What was open is in doubt: it may have been committed or not."""


class JournalFenced(JournalError):
    """Somebody else has appended since: this process is no longer the one writer. Nothing was written."""


class JournalReplaced(JournalError):
    """The journal or the lock file was deleted or replaced under us. What was committed is in the open connection."""


class JournalDamaged(JournalError):
    """The file is not what was written: a broken chain, a malformed page, another program's database."""


class JournalTooNew(JournalError):
    """Written by a later version, in a form that this one does not know."""


class LeaseHeld(JournalError):
    """Another supervisor holds the lease of this sprint."""


class UnsafeFilesystem(JournalError):
    """The directory lies on a file system whose locks or shared memory cannot be relied on."""
