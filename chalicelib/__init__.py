"""The back end of Coinpurse."""

VERSION = "0.2.0"
