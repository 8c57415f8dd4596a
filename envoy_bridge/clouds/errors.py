"""What can go wrong with a cloud, by what it means for the next request.

CloudError                 `state`: what the cloud's status says then
├── CloudDown              down: no answer, a 5xx, maintenance
│   └── UnusableAnswer     an answer that is not what this endpoint answers: HTML, truncated, another shape
├── CloudThrottled         throttled: asked too often, as the vendor counts
│   └── QuotaSpent         asked as often as is allowed, as we count; nothing was sent
├── CloudRefused           auth: wrong key or password
├── ReauthRequired         reauth_required: only a person can repair it
├── CloudBlocked           blocked: a web page or a firewall answers in place of the cloud
└── NotAllowed             this one endpoint or device is not permitted, or not there
"""

from typing import ClassVar, Literal

from envoy_bridge.errors import EnvoyBridgeError

CloudState = Literal["ok", "throttled", "auth", "reauth_required", "blocked", "down"]


class CloudError(EnvoyBridgeError):
    """The cloud did not give what was asked.

    `retry_in`: seconds after which it may be asked again, where the vendor says so. `alone`: only what was asked has to
    wait; else all of the cloud does.
    """

    state: ClassVar[CloudState] = "down"
    alone_by_nature: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_in: float | None = None, alone: bool | None = None) -> None:
        super().__init__(message)
        self.retry_in = retry_in
        self.alone = self.alone_by_nature if alone is None else alone


class CloudDown(CloudError):
    """No answer, or one that says that the cloud is not working now."""


class UnusableAnswer(CloudDown):
    """The endpoint answered, but not with what it is known to answer."""

    alone_by_nature: ClassVar[bool] = True


class CloudThrottled(CloudError):
    """The vendor says that it was asked too often."""

    state: ClassVar[CloudState] = "throttled"


class QuotaSpent(CloudThrottled):
    """The vendor's limit is reached by our own count. Nothing was sent."""


class CloudRefused(CloudError):
    """The vendor does not take the key or the password. Not tried again for a day, or until a restart."""

    state: ClassVar[CloudState] = "auth"


class ReauthRequired(CloudError):
    """The vendor wants its user to log in again. Says what to type; nothing is sent any more before that was done."""

    state: ClassVar[CloudState] = "reauth_required"


class CloudBlocked(CloudError):
    """Something in front of the cloud answers, a web page or a firewall: who asks on makes it worse."""

    state: ClassVar[CloudState] = "blocked"


class NotAllowed(CloudError):
    """This account may not ask this, or it is not there. Asked again in a day; the rest goes on."""

    state: ClassVar[CloudState] = "auth"
    alone_by_nature: ClassVar[bool] = True
