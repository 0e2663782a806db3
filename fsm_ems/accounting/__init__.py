"""What is owned and what it cost: positions, the ledger, and the files that show them."""
