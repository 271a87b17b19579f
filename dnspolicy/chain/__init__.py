"""The plugin contract, the order of the chain, and how a chain is built."""
