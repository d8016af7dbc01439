"""The back end of Coinpurse."""

VERSION = "0.1.0"
