"""Which gateways there are. A new one is added to ``GATEWAYS``, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from gateway_adapters.africastalking import AfricasTalking
from gateway_adapters.base import Gateway, GatewayRegistry
from gateway_adapters.simulator import Simulator
from gateway_adapters.twilio import Twilio

#: Every adapter, in the order in which they are shown.
GATEWAYS: tuple[type[Gateway], ...] = (AfricasTalking, Twilio, Simulator)


def load_gateways(
    environ: Mapping[str, str], *, public_url: str, timeout: float = 5.0, simulator: bool = False
) -> GatewayRegistry:
    """The adapters of this process, with their settings from ``environ``; raises ``SettingMissing`` for a wrong one.

    ``public_url``: what the providers call. ``timeout``: seconds that one call to a provider may take in all.
    ``simulator``: whether the simulator's gateway is served too; it lets anyone play any phone.
    """
    wanted = [make for make in GATEWAYS if simulator or make is not Simulator]
    made = [make(environ, public_url=public_url.rstrip("/"), timeout=timeout) for make in wanted]
    return GatewayRegistry({gateway.name: gateway for gateway in made})
