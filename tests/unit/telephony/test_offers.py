"""What is done to an offer before aiortc reads it."""

from __future__ import annotations

import pytest

from tieline.telephony.embedded.engine import EmbeddedSwitch
from tieline.telephony.embedded.peer import without_hidden_addresses
from tieline.telephony.switch import LegRole, SwitchError

CANDIDATE = "a=candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host\r\n"
HIDDEN = "a=candidate:2 1 udp 2113937151 8c4d1c2b-aaaa.local 50001 typ host generation 0\r\n"
END = "a=end-of-candidates\r\n"


def test_addresses_stay_and_hidden_ones_go_with_the_end_of_the_list() -> None:
    assert without_hidden_addresses(CANDIDATE + HIDDEN + END) == CANDIDATE
    assert without_hidden_addresses(CANDIDATE + END) == CANDIDATE + END


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "hello",
        "v=0\r\n",
        "v=0\r\nm=audio\r\n",
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtpmap:0 PCMU/8000\r\n",
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" + CANDIDATE * 65,
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" + "a=x\r\n" * 20_000,
    ],
)
async def test_what_is_no_offer_of_one_opus_stream_is_refused_and_leaves_no_leg(offer: str) -> None:
    async with EmbeddedSwitch("test") as switch:
        with pytest.raises(SwitchError) as refused:
            await switch.add_webrtc_leg("leg", offer, role=LegRole.CALLER, call_id=None, command_id="1")
        assert (refused.value.code, refused.value.retryable) == ("offer_invalid", False)
        assert (await switch.health()).legs == 0
