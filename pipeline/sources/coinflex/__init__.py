"""What CoinFLEX and its successors say over a socket, without one: what to send, what it means."""
