"""The error tree: each name says what happened, each message what, where and what to do next.

QAError                 the root; only the command line and the web page turn it into words
├── QuestionRefused     the question is blank or too long to be one
│   └── FilterEmpty     the filters of a question name no document
├── IndexMissing        there is no index where one was named
├── IndexDamaged        the index is there, but a part of it is missing or not what was written
├── IndexUnreadable     the index is there, but this account may not read it
├── IndexClosed         the index was closed before the question
├── IndexForeign        the index was written in another format
├── StoreUnreachable    a store, a bucket or a cluster at an address does not answer
├── ClusterUnfit        no worker of a cluster makes of files what this machine makes of them
├── IndexBusy           another process is building this index
├── ModelMissing        the encoder's files are not on this machine
├── ModelRefused        a model has a form that is not understood, or not safe to open
├── DownloadFailed      a model could not be downloaded, or not as the hub describes it
├── ModelMismatch       the index was built with another encoder or other settings
├── SeedsMissing        the folder of documents cannot be read
├── SeedsEmpty          the folder of documents holds no file
├── RemovalRefused      a build would remove more than half of the documents unasked
├── ReadFailed          one file could not be read; a build reports it and goes on
│   └── Unsupported     the file's format is one that no reader knows
├── DocumentFailed      a document that was read could not be indexed; a build goes on likewise
├── StorageFailed       the disk refused to write
├── SettingsInvalid     a setting has a value that means nothing
└── QuestionsInvalid    a question file or a saved answer is not in its format
"""


class QAError(Exception):
    """Any failure of this package that a user can act upon."""

    exit_code = 1


class QuestionRefused(QAError):
    """The question is blank or longer than `settings.QUESTION_LIMIT`."""

    exit_code = 2


class FilterEmpty(QuestionRefused):
    """The filters of a question name no document, or leave none."""


class IndexMissing(QAError):
    """There is no index where one was named."""


class IndexDamaged(QAError):
    """A part of the index is missing or is not what was written."""


class IndexUnreadable(QAError):
    """The index is there, but this account may not read it."""


class IndexClosed(QAError):
    """The index was closed before the question."""


class IndexForeign(QAError):
    """The index was written in another format."""


class StoreUnreachable(QAError):
    """What was named by an address, a store, a bucket or a cluster, does not answer."""


class ClusterUnfit(QAError):
    """No worker of the cluster is there, or makes of files what this machine makes of them."""


class IndexBusy(QAError):
    """Another process is building this index."""


class ModelMissing(QAError):
    """The encoder's files are not on this machine."""


class ModelRefused(QAError):
    """A model cannot be added: its form is not understood, or its files are not safe to open."""


class DownloadFailed(QAError):
    """A model could not be downloaded, or is not what the hub says it is."""


class ModelMismatch(QAError):
    """The index was built with another encoder or with other settings."""


class SeedsMissing(QAError):
    """The folder of documents cannot be read."""


class SeedsEmpty(QAError):
    """The folder of documents holds no file."""


class RemovalRefused(QAError):
    """The build would remove more than half of the documents, and that was not allowed."""


class ReadFailed(QAError):
    """One file could not be read; the message is the reason that a report shows."""


class Unsupported(ReadFailed):
    """The file's format is one that no reader knows; the message says which where it can."""


class DocumentFailed(QAError):
    """A document that was read could not be indexed; the message is the reason."""


class StorageFailed(QAError):
    """The disk refused to write; what was there before is intact."""


class SettingsInvalid(QAError):
    """A setting has a value that means nothing."""

    exit_code = 2


class QuestionsInvalid(QAError):
    """A question file or a saved answer is not in its format."""
