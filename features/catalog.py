"""The catalogue: every feature there is, one declaration each. Adding a feature is adding one line."""

from datetime import timedelta

from features.declare import (
    Age,
    AtMoment,
    Cart,
    CartFact,
    Declaration,
    Gap,
    GapFact,
    Moment,
    Ratio,
    Sender,
    Session,
    SessionFact,
    Source,
    Sum,
    Tally,
    tally,
)
from features.kinds import Kind
from features.layout import compile_catalogue

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
MONTH = timedelta(days=30)
QUARTER = timedelta(days=90)

VIEWS = frozenset({Kind.PRODUCT_VIEWED, Kind.PRODUCT_CLICKED})
BROWSING = frozenset(
    {
        Kind.PAGE_VIEWED,
        Kind.SCREEN_VIEWED,
        Kind.LIST_VIEWED,
        Kind.LIST_FILTERED,
        Kind.PRODUCTS_SEARCHED,
        Kind.APP_OPENED,
    }
)
CHECKOUT = frozenset(
    {Kind.CHECKOUT_STARTED, Kind.CHECKOUT_STEP_VIEWED, Kind.CHECKOUT_STEP_COMPLETED, Kind.PAYMENT_INFO_ENTERED}
)
COUPONS = frozenset({Kind.COUPON_ENTERED, Kind.COUPON_APPLIED, Kind.PROMOTION_CLICKED})
MESSAGES_SENT = frozenset({Kind.EMAIL_SENT, Kind.EMAIL_DELIVERED, Kind.PUSH_RECEIVED, Kind.SMS_SENT})
CLICKS = frozenset({Kind.EMAIL_CLICKED, Kind.PUSH_TAPPED, Kind.SMS_CLICKED})
SHOPPING = VIEWS | BROWSING | CHECKOUT | {Kind.PRODUCT_ADDED, Kind.CART_VIEWED, Kind.WISHLIST_ADDED}
ORDERED = frozenset({Kind.ORDER_COMPLETED, Kind.ORDER_CANCELLED})
PAID = frozenset({Kind.ORDER_COMPLETED, Kind.ORDER_CANCELLED, Kind.ORDER_REFUNDED})

VISITS_30D = Tally(frozenset(), half_life=MONTH, sessions=True)
VISITS_7D = Tally(frozenset(), half_life=WEEK, sessions=True)

DECLARATIONS: tuple[Declaration, ...] = (
    # Orders: how often, how much, how regularly.
    Sum(name="orders_hl1d", meaning="Orders, counted with a half-life of a day", of=tally(ORDERED, half_life=DAY)),
    Sum(name="orders_hl7d", meaning="Orders, counted with a half-life of 7 days", of=tally(ORDERED, half_life=WEEK)),
    Sum(
        name="orders_hl30d",
        meaning="Orders, counted with a half-life of 30 days",
        of=tally(ORDERED, half_life=MONTH),
        direction=1,
    ),
    Sum(
        name="orders_hl90d",
        meaning="Orders, counted with a half-life of 90 days",
        of=tally(ORDERED, half_life=QUARTER),
        direction=1,
    ),
    Sum(name="orders", meaning="Orders ever, less those cancelled", of=tally(ORDERED)),
    Sum(
        name="revenue_hl30d",
        meaning="Revenue, summed with a half-life of 30 days, in the shop's currency",
        of=tally(PAID, Source.AMOUNT, MONTH),
    ),
    Sum(name="revenue", meaning="Revenue ever, less refunds, in the shop's currency", of=tally(PAID, Source.AMOUNT)),
    Ratio(
        name="order_value",
        meaning="Revenue of an order, on average, in the shop's currency",
        of=tally(PAID, Source.AMOUNT),
        to=tally(ORDERED),
    ),
    Ratio(
        name="order_items",
        meaning="Lines of an order, on average, with a half-life of 90 days",
        of=tally(Kind.ORDER_COMPLETED, Source.ITEMS, QUARTER),
        to=tally(Kind.ORDER_COMPLETED, half_life=QUARTER),
    ),
    Sum(
        name="items_hl1d",
        meaning="Lines of orders, counted with a half-life of a day",
        of=tally(Kind.ORDER_COMPLETED, Source.ITEMS, DAY),
    ),
    Sum(
        name="items_hl7d",
        meaning="Lines of orders, counted with a half-life of 7 days",
        of=tally(Kind.ORDER_COMPLETED, Source.ITEMS, WEEK),
    ),
    Sum(
        name="items_hl30d",
        meaning="Lines of orders, counted with a half-life of 30 days",
        of=tally(Kind.ORDER_COMPLETED, Source.ITEMS, MONTH),
    ),
    Ratio(
        name="discount_share",
        meaning="Discount for each unit of revenue, with a half-life of 90 days",
        of=tally(Kind.ORDER_COMPLETED, Source.DISCOUNT, QUARTER),
        to=tally(Kind.ORDER_COMPLETED, Source.AMOUNT, QUARTER),
    ),
    Ratio(
        name="order_trend",
        meaning="Orders of late (half-life 7 days) for each order of the quarter (half-life 90 days)",
        of=tally(ORDERED, half_life=WEEK),
        to=tally(ORDERED, half_life=QUARTER),
    ),
    Age(name="order_age_d", meaning="Days since the last order", kinds=frozenset({Kind.ORDER_COMPLETED})),
    Gap(name="order_gap_mean_d", meaning="Mean days between orders", fact=GapFact.MEAN_D),
    Gap(
        name="order_gap_spread_d",
        meaning="Standard deviation of the days between the latest 8 orders",
        fact=GapFact.SPREAD_D,
    ),
    Gap(
        name="order_gap_relative",
        meaning="Time since the last order, in units of the mean gap between orders (an hour at least)",
        fact=GapFact.RELATIVE,
    ),
    # What the person is looking at.
    Sum(name="views_hl1h", meaning="Products viewed, half-life an hour", of=tally(VIEWS, half_life=HOUR)),
    Sum(name="views_hl1d", meaning="Products viewed, half-life a day", of=tally(VIEWS, half_life=DAY)),
    Sum(name="views_hl7d", meaning="Products viewed, half-life 7 days", of=tally(VIEWS, half_life=WEEK)),
    Sum(
        name="browsing_hl1h", meaning="Pages, lists and searches, half-life an hour", of=tally(BROWSING, half_life=HOUR)
    ),
    Sum(
        name="browsing_hl7d", meaning="Pages, lists and searches, half-life 7 days", of=tally(BROWSING, half_life=WEEK)
    ),
    Sum(
        name="wishlist_hl30d",
        meaning="Products wished for, half-life 30 days",
        of=tally(Kind.WISHLIST_ADDED, half_life=MONTH),
    ),
    Sum(
        name="coupons_hl7d", meaning="Coupons and promotions used, half-life 7 days", of=tally(COUPONS, half_life=WEEK)
    ),
    Sum(name="visits_hl7d", meaning="Sessions, half-life 7 days", of=VISITS_7D),
    Sum(name="visits_hl30d", meaning="Sessions, half-life 30 days", of=VISITS_30D),
    Ratio(
        name="orders_per_visit",
        meaning="Orders for each session, half-life 30 days",
        of=tally(ORDERED, half_life=MONTH),
        to=VISITS_30D,
    ),
    Age(name="view_age_d", meaning="Days since a product was viewed", kinds=VIEWS),
    Age(name="shopping_age_d", meaning="Days since the person last looked around the shop", kinds=SHOPPING),
    # The cart and the checkout.
    Sum(
        name="adds_hl1h",
        meaning="Additions to the cart, half-life an hour",
        of=tally(Kind.PRODUCT_ADDED, half_life=HOUR),
        direction=1,
    ),
    Sum(
        name="adds_hl7d",
        meaning="Additions to the cart, half-life 7 days",
        of=tally(Kind.PRODUCT_ADDED, half_life=WEEK),
    ),
    Sum(
        name="removes_hl1d",
        meaning="Removals from the cart, half-life a day",
        of=tally(Kind.PRODUCT_REMOVED, half_life=DAY),
    ),
    Sum(
        name="checkout_hl1h",
        meaning="Steps of the checkout, half-life an hour",
        of=tally(CHECKOUT, half_life=HOUR),
        direction=1,
    ),
    Sum(name="checkout_hl7d", meaning="Steps of the checkout, half-life 7 days", of=tally(CHECKOUT, half_life=WEEK)),
    Age(name="checkout_age_d", meaning="Days since a step of the checkout", kinds=CHECKOUT),
    Cart(name="cart_items", meaning="Items in the open cart", fact=CartFact.ITEMS),
    Cart(name="cart_value", meaning="Value of the open cart, in the shop's currency", fact=CartFact.VALUE),
    Cart(name="cart_age_h", meaning="Hours since the open cart was begun", fact=CartFact.AGE_H),
    Cart(name="cart_idle_h", meaning="Hours since the open cart was last changed", fact=CartFact.IDLE_H),
    # The session that is going on.
    Session(
        name="session_length_min",
        meaning="Minutes from the first to the last event of this session",
        fact=SessionFact.LENGTH_MIN,
    ),
    Session(name="session_depth", meaning="Events of this session", fact=SessionFact.DEPTH),
    Session(
        name="session_products",
        meaning="Distinct products of this session, by linear counting",
        fact=SessionFact.PRODUCTS,
    ),
    # What messages did.
    Sum(
        name="messages_hl30d",
        meaning="Messages that reached the person, half-life 30 days",
        of=tally(MESSAGES_SENT, half_life=MONTH),
    ),
    Sum(
        name="opens_hl30d",
        meaning="Messages opened by the person, half-life 30 days",
        of=tally(Kind.EMAIL_OPENED, half_life=MONTH, sender=Sender.PERSON),
    ),
    Sum(
        name="machine_opens_hl30d",
        meaning="Messages opened by a machine, half-life 30 days",
        of=tally(Kind.EMAIL_OPENED, half_life=MONTH, sender=Sender.MACHINE),
    ),
    Sum(
        name="clicks_hl30d",
        meaning="Messages clicked by the person, half-life 30 days",
        of=tally(CLICKS, half_life=MONTH, sender=Sender.PERSON),
    ),
    # The moment of the question.
    AtMoment(name="tenure_d", meaning="Days since the person was first seen", fact=Moment.TENURE_D),
    AtMoment(name="hour_share", meaning="Share of activity within an hour of this local hour", fact=Moment.HOUR_SHARE),
    AtMoment(
        name="next_day_share",
        meaning="Share of activity on the weekdays of the coming 24 hours",
        fact=Moment.NEXT_DAY_SHARE,
        direction=1,
    ),
    AtMoment(name="hour_sin", meaning="Local time of day, sine", fact=Moment.HOUR_SIN),
    AtMoment(name="hour_cos", meaning="Local time of day, cosine", fact=Moment.HOUR_COS),
    AtMoment(name="weekday_sin", meaning="Local weekday, sine", fact=Moment.WEEKDAY_SIN),
    AtMoment(name="weekday_cos", meaning="Local weekday, cosine", fact=Moment.WEEKDAY_COS),
)

CATALOGUE = compile_catalogue(DECLARATIONS)
"""The catalogue in force: what serving scores with, training learns from and Feast serves."""
