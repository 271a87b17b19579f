package dnspolicy

candidates contains candidate if candidate := data.dnspolicy.least_loaded.verdict

# How old a number is only matters to answers that live for seconds; everything else stays the same.
edges contains 86400 if data.load
