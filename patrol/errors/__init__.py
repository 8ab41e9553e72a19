"""Every error this product raises on purpose.

A message says what happened, a remedy says what to do; both exist in English and Chinese, and both
may name facts given at the raise (`{path}`, `{found}`). docs/errors.md is generated from it.

    PatrolError
    ├── ConfigError                 a configuration file is refused, with every problem in it
    │   └── SecretNotSet            ${NAME} is not in the environment
    ├── UsageError                  the command line asks for what does not exist
    ├── OneOf                       of two things that exclude each other both or neither was given
    ├── CalibrationRefused          no pose of the camera follows from the points that were given
    ├── PointsUnreadable            a file of known points cannot be read
    ├── SourceError                 pictures do not come
    │   ├── SourceMissing           no such clip, folder or device
    │   ├── SourceUnreadable        it is there but cannot be decoded
    │   │   └── ThermogramUnusable  it gives no temperatures, or none that a scene can have
    │   ├── SourceLost              it was there and went away
    │   ├── DecoderMissing          the decoder of a vendor's thermal pictures is not installed
    │   ├── SceneUnreadable         a scene file of the replay bench is missing or wrong
    │   └── NothingToAccept         no changed picture of a roof waits for a person
    ├── ModelError                  a model must not be used
    │   ├── ModelNotRegistered      models/registry.yaml does not name it
    │   ├── ModelMissing            the file is not there
    │   ├── ModelAltered            its SHA-256 is not the registered one
    │   ├── ModelMismatch           its classes, shape or format are not what the rules need
    │   ├── RecipesMissing          the recipes are not beside this program
    │   ├── TrainingEnvironmentMissing  torch's environment is not there
    │   └── ModelCheckFailed        a recipe ended with an error or said no
    ├── WireError                   a message must not be believed
    │   ├── MessageMalformed        not JSON, not a CloudEvent, or a field is wrong
    │   ├── MessageOversized        longer than the wire table allows
    │   ├── MessageFromFuture       a newer major version than this program reads
    │   ├── MessageUnknown          a type the wire table does not name
    │   └── MessageMisplaced        it came on a topic that its sender may not use
    ├── LinkError                   the broker or the centre is out of reach
    │   ├── BrokerUnreachable       nothing answers there
    │   ├── BrokerRefused           it answers and says no
    │   ├── CenterUnreachable       the centre's HTTP side does not answer
    │   └── CenterRefused           it answers and does not accept who we are
    ├── EvidenceError               a picture or clip cannot serve as evidence
    │   ├── EvidenceMissing         the file is gone from the box
    │   ├── EvidenceAltered         its bytes are not those that were recorded
    │   └── EvidenceRefused         the centre will not take it
    ├── StorageError                the disk or the database will not keep it
    │   ├── DiskFull                no room left
    │   ├── ClipNotWritten          a rendered film cannot be kept
    │   ├── FileUnusable            a file or folder that a command was to read or write
    │   ├── OutboxUnusable          the outbox file cannot be opened or is damaged
    │   ├── DatabaseUnusable        the centre's database does not answer or does not fit
    │   │   └── DatabaseFromFuture  a newer program made these tables; waiting does not help
    │   └── EvidenceUnwritable      the centre's evidence folder cannot be used
    ├── PlanError                   a flight plan is refused; a PlanRefused carries every reason
    │   ├── MissionUnreadable       the file is no mission that can be read whole
    │   ├── GeodataUnreadable       terrain, zones or areas cannot be read
    │   ├── PlanUnsafe              the judge found what must not be flown
    │   └── PlanDrifted             a built plan is not what its intent gives today
    ├── FlightError                 a drone does not do what it should, or must not
    │   ├── DroneLinkUnusable       the port or address of a drone's link cannot be opened
    │   ├── DroneSilent             nothing is heard of it
    │   ├── DroneLinkLost           the link ended while it was in use
    │   ├── DronesSeveral           more than one is heard, and none was named
    │   ├── DroneForeign            its autopilot is neither ArduPilot nor PX4
    │   ├── DroneTaken              another station has the drone or the state folder
    │   ├── StationStateUnusable    the station cannot keep what it must not forget
    │   ├── SigningKeyUnusable      the secret of a signed link protects nothing
    │   ├── FrameUnsendable         a message that MAVLink does not have
    │   ├── MissionNotAboard        what was uploaded does not read back as it was sent
    │   ├── MissionUncompilable     a plan cannot be put into this autopilot's items
    │   ├── CommandRefused          the drone answers and says no, or does not answer
    │   ├── FlightRefused           pre-flight found reasons not to fly
    │   ├── FlightRecordUnreadable  a flight record is missing or damaged
    │   │   └── FlightUnfinished    a flight has frames but no summary
    │   └── FlightRecordUnwritable  a flight record cannot be written
    └── ProgramError                a program could not be started
        ├── PortTaken               something else listens there
        ├── ProgramMissing          an optional part is not installed
        └── StartTimeout            it did not become ready in time
"""

from patrol.errors.asking import CalibrationRefused, ConfigError, OneOf, PointsUnreadable, SecretNotSet, UsageError
from patrol.errors.flying import (
    CommandRefused,
    DroneForeign,
    DroneLinkLost,
    DroneLinkUnusable,
    DroneSilent,
    DronesSeveral,
    DroneTaken,
    FlightError,
    FlightRecordUnreadable,
    FlightRecordUnwritable,
    FlightRefused,
    FlightUnfinished,
    FrameUnsendable,
    GeodataUnreadable,
    MissionNotAboard,
    MissionUncompilable,
    MissionUnreadable,
    PlanDrifted,
    PlanError,
    PlanUnsafe,
    SigningKeyUnusable,
    StationStateUnusable,
)
from patrol.errors.keeping import (
    ClipNotWritten,
    DatabaseFromFuture,
    DatabaseUnusable,
    DiskFull,
    EvidenceAltered,
    EvidenceError,
    EvidenceMissing,
    EvidenceRefused,
    EvidenceUnwritable,
    FileUnusable,
    OutboxUnusable,
    StorageError,
)
from patrol.errors.root import LANGUAGES, Language, PatrolError, Text, listed
from patrol.errors.starting import PortTaken, ProgramError, ProgramMissing, StartTimeout
from patrol.errors.watching import (
    DecoderMissing,
    ModelAltered,
    ModelCheckFailed,
    ModelError,
    ModelMismatch,
    ModelMissing,
    ModelNotRegistered,
    NothingToAccept,
    RecipesMissing,
    SceneUnreadable,
    SourceError,
    SourceLost,
    SourceMissing,
    SourceUnreadable,
    ThermogramUnusable,
    TrainingEnvironmentMissing,
)
from patrol.errors.wire import (
    BrokerRefused,
    BrokerUnreachable,
    CenterRefused,
    CenterUnreachable,
    LinkError,
    MessageFromFuture,
    MessageMalformed,
    MessageMisplaced,
    MessageOversized,
    MessageUnknown,
    WireError,
)

__all__ = [
    "LANGUAGES",
    "BrokerRefused",
    "BrokerUnreachable",
    "CalibrationRefused",
    "CenterRefused",
    "CenterUnreachable",
    "ClipNotWritten",
    "CommandRefused",
    "ConfigError",
    "DatabaseFromFuture",
    "DatabaseUnusable",
    "DecoderMissing",
    "DiskFull",
    "DroneForeign",
    "DroneLinkLost",
    "DroneLinkUnusable",
    "DroneSilent",
    "DroneTaken",
    "DronesSeveral",
    "EvidenceAltered",
    "EvidenceError",
    "EvidenceMissing",
    "EvidenceRefused",
    "EvidenceUnwritable",
    "FileUnusable",
    "FlightError",
    "FlightRecordUnreadable",
    "FlightRecordUnwritable",
    "FlightRefused",
    "FlightUnfinished",
    "FrameUnsendable",
    "GeodataUnreadable",
    "Language",
    "LinkError",
    "MessageFromFuture",
    "MessageMalformed",
    "MessageMisplaced",
    "MessageOversized",
    "MessageUnknown",
    "MissionNotAboard",
    "MissionUncompilable",
    "MissionUnreadable",
    "ModelAltered",
    "ModelCheckFailed",
    "ModelError",
    "ModelMismatch",
    "ModelMissing",
    "ModelNotRegistered",
    "NothingToAccept",
    "OneOf",
    "OutboxUnusable",
    "PatrolError",
    "PlanDrifted",
    "PlanError",
    "PlanUnsafe",
    "PointsUnreadable",
    "PortTaken",
    "ProgramError",
    "ProgramMissing",
    "RecipesMissing",
    "SceneUnreadable",
    "SecretNotSet",
    "SigningKeyUnusable",
    "SourceError",
    "SourceLost",
    "SourceMissing",
    "SourceUnreadable",
    "StartTimeout",
    "StationStateUnusable",
    "StorageError",
    "Text",
    "ThermogramUnusable",
    "TrainingEnvironmentMissing",
    "UsageError",
    "WireError",
    "listed",
]
