"""`make demo-carts`: carts of a real day, left behind, reminded of by mail, and what people do with the mails."""
