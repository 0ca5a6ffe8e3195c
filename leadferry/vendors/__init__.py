"""The vendors there are. A new one is a file in this folder and a line here."""

from __future__ import annotations

from leadferry.vendors.aicore import AiCore
from leadferry.vendors.base import Adapter
from leadferry.vendors.clienttether import ClientTether
from leadferry.vendors.kartra import Kartra
from leadferry.vendors.leadconduit import LeadConduit
from leadferry.vendors.vcita import Vcita
from leadferry.vendors.webhook import Webhook

ADAPTERS: dict[str, Adapter] = {
    "clienttether": ClientTether(),
    "aicore": AiCore(),
    "kartra": Kartra(),
    "leadconduit": LeadConduit(),
    "vcita": Vcita(),
    "webhook": Webhook(),
}
