"""The demo accounts: every credential that the sandbox accepts, or knows to be bad in a documented way."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

CLIENTTETHER_WEB_KEY = "CT_DEMO2020"
CLIENTTETHER_BAD_PREFIX = "CT_BAD"

AICORE_LOGIN = ("demo", "demo-password")
AICORE_SITECOM_TOKEN = "demo-token"

KARTRA_APP_ID = "demo-app"
KARTRA_API_KEY = "demo-key"
KARTRA_API_PASSWORD = "demo-password"
KARTRA_TEST_APP = "demo-app-test"
KARTRA_LIMITED_APP = "demo-app-limited"
KARTRA_BAD_APPS = {"demo-app-insecure": 201, "demo-app-inactive": 240, "demo-app-elsewhere": 242}
KARTRA_BAD_KEYS = {"demo-key-inactive": 204}

LEADCONDUIT_FLOW = "5f1e0d2c3b4a596877869504"
LEADCONDUIT_SOURCE = "5f1e0d2c3b4a596877869505"
LEADCONDUIT_DISABLED_SOURCE = "d" * 24

VCITA_TOKEN = "demo-token"
VCITA_APP_TOKEN = "demo-app-token"
VCITA_DIRECTORY_TOKEN = "demo-directory-token"
VCITA_TOKEN_WITHOUT_MODULE = "demo-token-no-module"
VCITA_TOKEN_WITHOUT_USER = "demo-token-no-user"
VCITA_OTHER_PREFIX = "other"

WEBHOOK_KEY = b"leadferry-demo-webhook-secret"
WEBHOOK_SECRET = "whsec_" + b64encode(WEBHOOK_KEY).decode()


@dataclass(frozen=True)
class Credential:
    vendor: str
    value: str
    does: str


CREDENTIALS = (
    Credential("clienttether", f"web_key={CLIENTTETHER_WEB_KEY}", "accepted, as is any key of the shape CT_…"),
    Credential("clienttether", f"web_key={CLIENTTETHER_BAD_PREFIX}…", "any key that begins so: ct101"),
    Credential("aicore", "ai_login_id=demo, ai_login_password=demo-password", "accepted"),
    Credential("aicore", f"ai_sitecom_token={AICORE_SITECOM_TOKEN}", "accepted in place of the other two"),
    Credential("kartra", "app_id=demo-app, api_key=demo-key, api_password=demo-password", "accepted"),
    Credential("kartra", f"app_id={KARTRA_TEST_APP}", "an app in test mode: the e-mail's domain becomes kartra.com"),
    Credential("kartra", f"app_id={KARTRA_LIMITED_APP}", "may only search and read; any other command: 262"),
    Credential("kartra", "app_id=demo-app-insecure", "201, as if the call had not come by HTTPS"),
    Credential("kartra", "app_id=demo-app-inactive", "240"),
    Credential("kartra", "app_id=demo-app-elsewhere", "242, as if the call had come from another address"),
    Credential("kartra", "api_key=demo-key-inactive", "204"),
    Credential("leadconduit", f"flow {LEADCONDUIT_FLOW}, source {LEADCONDUIT_SOURCE}", "accepted, as are any two ids"),
    Credential("leadconduit", f"source {LEADCONDUIT_DISABLED_SOURCE}", "403, the source is disabled"),
    Credential(
        "vcita", f"Authorization: Bearer {VCITA_TOKEN}", "a staff token: accepted, the business is known from it"
    ),
    Credential("vcita", f"Bearer {VCITA_APP_TOKEN}", "an app token: needs business_id or X-On-Behalf-Of, else 400"),
    Credential("vcita", f"Bearer {VCITA_DIRECTORY_TOKEN}", "a directory token: needs X-On-Behalf-Of, else 401"),
    Credential("vcita", f"Bearer {VCITA_TOKEN_WITHOUT_MODULE}", "403, the module is not in the plan"),
    Credential("vcita", f"Bearer {VCITA_TOKEN_WITHOUT_USER}", "500, the token has no user"),
    Credential("vcita", f"a business that begins with “{VCITA_OTHER_PREFIX}”", "401, the business is another's"),
    Credential("webhook", WEBHOOK_SECRET, "the secret of signatures; /webhook/signed/… insists on one"),
)
