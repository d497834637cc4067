"""Where blobs lie: one interface, four places, one name for the same bytes in all of them."""
