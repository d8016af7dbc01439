"""Scenarios of the five economies with literal figures, shown in chalicelib/catalogues/README.md."""

from tests.e2e.scenario import (
    LETTER,
    Earn,
    Give,
    Reject,
    Scenario,
    Sold,
    Streak,
    chat,
    chat_request,
    cheer,
    gift,
    not_offered,
    out_of_range,
    too_long,
    unaffordable,
)

_NO_CHEER = not_offered("cheer", kind="cheer", coins=100)
_NO_SUPER_CHAT = not_offered("super_chat", kind="super_chat", coins=100)
_NO_GIFT = not_offered("gift", item_id="rose")

TIKTOK = Scenario(
    name="tiktok_like",
    currency="usd",
    sold={
        "web": [
            Sold(bundle_id="coins_70", coins=70, amount_minor=74),
            Sold(bundle_id="coins_350", coins=350, amount_minor=370),
            Sold(bundle_id="coins_700", coins=700, amount_minor=740),
            Sold(bundle_id="coins_1400", coins=1400, amount_minor=1480),
            Sold(bundle_id="coins_3500", coins=3500, amount_minor=3700),
            Sold(bundle_id="coins_7000", coins=7000, amount_minor=7400),
        ],
        "in_app": [
            Sold(bundle_id="coins_70", coins=70, amount_minor=99),
            Sold(bundle_id="coins_350", coins=350, amount_minor=499),
            Sold(bundle_id="coins_700", coins=700, amount_minor=999),
            Sold(bundle_id="coins_1400", coins=1400, amount_minor=1999),
            Sold(bundle_id="coins_3500", coins=3500, amount_minor=4999),
            Sold(bundle_id="coins_7000", coins=7000, amount_minor=9999),
        ],
    },
    bought=Sold(bundle_id="coins_350", coins=350, amount_minor=370),
    steps=[
        Give(
            request={"item_id": "confetti", "quantity": 3, "message": " bravo\u202e,\nGrace ", "sender_name": "Ada"},
            coins=300,
            published_message="bravo, Grace",
        ),
        Streak(item_id="finger_heart", times=5, coins=25),
        Reject(
            request={"item_id": "doughnut"}, code="insufficient_coins", status=402, fields={"coins": 25, "needed": 30}
        ),
        Reject(
            request={"item_id": "rose", "message": "x" * 151}, code="message_too_long", fields={"max_characters": 150}
        ),
        not_offered("anonymous", item_id="rose", anonymous=True),
        _NO_CHEER,
        _NO_SUPER_CHAT,
        Earn(coins=325, units=162, amount_minor=81),
    ],
    unit="diamond",
    creator_currency="usd",
    coins_left=25,
)

TWITCH = Scenario(
    name="twitch_like",
    currency="usd",
    sold={
        "web": [
            Sold(bundle_id="bits_100", coins=100, amount_minor=140),
            Sold(bundle_id="bits_500", coins=500, amount_minor=700),
            Sold(bundle_id="bits_1500", coins=1500, amount_minor=1995),
            Sold(bundle_id="bits_5000", coins=5000, amount_minor=6440),
            Sold(bundle_id="bits_10000", coins=10000, amount_minor=12600),
            Sold(bundle_id="bits_25000", coins=25000, amount_minor=30800),
        ],
        "in_app": [],
    },
    bought=Sold(bundle_id="bits_500", coins=500, amount_minor=700),
    steps=[
        cheer(1, message="Cheer1 <b>hello</b>", sender_name="Ada", stream_id="live-1"),
        cheer(149, message="€" * 149 + "x"),  # 448 bytes
        cheer(250, anonymous=True, message="guess who", sender_name="Ada"),
        Reject(
            request={"kind": "cheer", "coins": 1, "message": "€" * 149 + "xx"},
            code="message_too_long",
            fields={"max_bytes": 448, "coins_needed": None},
        ),
        Reject(
            request={"kind": "cheer", "coins": 101},
            code="insufficient_coins",
            status=402,
            fields={"coins": 100, "needed": 101},
        ),
        Reject(request={"kind": "cheer", "coins": 0}, code="invalid_field", status=400, fields={"field": "coins"}),
        out_of_range("cheer", 100001, 1, 100000),
        _NO_GIFT,
        _NO_SUPER_CHAT,
        Earn(coins=400, units=400, amount_minor=400),
    ],
    unit="bit",
    creator_currency="usd",
    coins_left=100,
)

YOUTUBE = Scenario(
    name="youtube_like",
    currency="jpy",
    sold={
        "web": [
            Sold(bundle_id="yen_100", coins=100, amount_minor=100),
            Sold(bundle_id="yen_200", coins=200, amount_minor=200),
            Sold(bundle_id="yen_500", coins=500, amount_minor=500),
            Sold(bundle_id="yen_1000", coins=1000, amount_minor=1000),
            Sold(bundle_id="yen_2000", coins=2000, amount_minor=2000),
            Sold(bundle_id="yen_5000", coins=5000, amount_minor=5000),
            Sold(bundle_id="yen_10000", coins=10000, amount_minor=10000),
            Sold(bundle_id="yen_20000", coins=20000, amount_minor=20000),
            Sold(bundle_id="yen_30000", coins=30000, amount_minor=30000),
            Sold(bundle_id="yen_40000", coins=40000, amount_minor=40000),
            Sold(bundle_id="yen_50000", coins=50000, amount_minor=50000),
        ],
        "in_app": [],
    },
    bought=Sold(bundle_id="yen_10000", coins=10000, amount_minor=10000),
    steps=[
        out_of_range("super_chat", 99, 100, 50000),
        chat(100, "blue", 0),
        chat(199, "blue", 0),
        too_long(199, 1, 200),
        chat(200, "light_blue", 0, 50),
        chat(499, "light_blue", 0, 50),
        too_long(499, 51, 500),
        chat(500, "green", 120, 150),
        chat(999, "green", 120, 150),
        too_long(999, 151, 1000),
        chat(1000, "yellow", 300, 200),
        chat(1999, "yellow", 300, 200),
        too_long(1999, 201, 2000),
        chat(2000, "orange", 600, 225),
        *(too_long(4999, 226, 5000), unaffordable(5000, 226)),
        *(too_long(9999, 251, 10000), unaffordable(10000, 251)),
        *(too_long(19999, 271, 20000), unaffordable(20000, 271)),
        *(too_long(29999, 291, 30000), unaffordable(30000, 291)),
        *(too_long(39999, 311, 40000), unaffordable(40000, 311)),
        *(too_long(49999, 331, 50000), unaffordable(50000, 350)),
        Reject(request=chat_request(50000, LETTER * 351), code="message_too_long", fields={"coins_needed": None}),
        out_of_range("super_chat", 50001, 100, 50000),
        not_offered("anonymous", kind="super_chat", coins=500, anonymous=True),
        _NO_GIFT,
        _NO_CHEER,
        Earn(coins=7496, units=5247, amount_minor=5247),
    ],
    unit="yen",
    creator_currency="jpy",
    coins_left=2504,
)

INSTAGRAM = Scenario(
    name="instagram_like",
    currency="usd",
    sold={
        "web": [
            Sold(bundle_id="web_45", coins=75, amount_minor=99, bonus_coins=30),
            Sold(bundle_id="web_6400", coins=10000, amount_minor=9999, bonus_coins=3600),
        ],
        "in_app": [
            Sold(bundle_id="stars_45", coins=45, amount_minor=99),
            Sold(bundle_id="stars_140", coins=140, amount_minor=299),
            Sold(bundle_id="stars_300", coins=300, amount_minor=599),
        ],
    },
    bought=Sold(bundle_id="web_45", coins=75, amount_minor=99, bonus_coins=30),
    steps=[
        gift("heart", 3, 30, sender_name="Ada"),
        gift("fire", 1, 25),
        Reject(request={"item_id": "fire"}, code="insufficient_coins", status=402, fields={"coins": 20, "needed": 25}),
        Reject(request={"item_id": "heart", "message": "x"}, code="message_too_long", fields={"max_characters": 0}),
        Reject(request={"item_id": "heart", "quantity": 101}, code="not_offered", fields={"max_quantity": 100}),
        not_offered("anonymous", item_id="heart", anonymous=True),
        _NO_CHEER,
        _NO_SUPER_CHAT,
        Earn(coins=55, units=55, amount_minor=55),
    ],
    unit="star",
    creator_currency="usd",
    coins_left=20,
)

TELEGRAM = Scenario(
    name="telegram_like",
    currency="usd",
    sold={
        "web": [
            Sold(bundle_id="stars_100", coins=100, amount_minor=141),
            Sold(bundle_id="stars_250", coins=250, amount_minor=352),
            Sold(bundle_id="stars_500", coins=500, amount_minor=703),
            Sold(bundle_id="stars_1000", coins=1000, amount_minor=1399),
            Sold(bundle_id="stars_2500", coins=2500, amount_minor=3475),
        ],
        "in_app": [],
    },
    bought=Sold(bundle_id="stars_2500", coins=2500, amount_minor=3475),
    steps=[
        gift("heart", 1, 15, message=LETTER * 128, sender_name="Ada"),
        gift("rose", 1, 25, anonymous=True),
        chat(1, "grey", 30, 30),
        *(too_long(9, 31, 10), chat(9, "grey", 30, 30), chat(10, "purple", 60, 60)),
        *(too_long(49, 61, 50), chat(49, "purple", 60, 60), chat(50, "blue", 120, 80)),
        *(too_long(99, 81, 100), chat(99, "blue", 120, 80), chat(100, "green", 300, 110)),
        *(too_long(249, 111, 250), chat(249, "green", 300, 110), chat(250, "yellow", 600, 150)),
        chat(319, "yellow", 600, 150),
        Earn(coins=1176, units=999, amount_minor=1298, can_withdraw=False),
        Give(request=chat_request(1, ""), coins=1, color="grey", pin_seconds=30),
        Earn(coins=1177, units=1000, amount_minor=1300),
        *(too_long(499, 151, 500), chat(499, "yellow", 600, 150), chat(500, "orange", 900, 200)),
        *(too_long(1999, 201, 2000), unaffordable(2000, 201)),
        *(too_long(9999, 281, 10000), unaffordable(10000, 281)),
        Reject(request=chat_request(10, "🎁🎁"), code="message_too_long", fields={"coins_needed": 50}),
        Reject(
            request={"item_id": "heart", "message": "x" * 129}, code="message_too_long", fields={"max_characters": 128}
        ),
        Reject(request={"item_id": "heart", "quantity": 2}, code="not_offered", fields={"max_quantity": 1}),
        out_of_range("super_chat", 100001, 1, 100000),
        not_offered("anonymous", kind="super_chat", coins=100, anonymous=True),
        _NO_CHEER,
        Earn(coins=2176, units=1849, amount_minor=2403),
    ],
    unit="star",
    creator_currency="usd",
    coins_left=324,
)

SCENARIOS = (TIKTOK, TWITCH, YOUTUBE, INSTAGRAM, TELEGRAM)
