"""The programs this one is compared with and tested against: which versions, where they are, how to get them."""
