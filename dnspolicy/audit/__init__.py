"""The audit stream: records of what was asked and decided, how they are written, read and filtered."""
