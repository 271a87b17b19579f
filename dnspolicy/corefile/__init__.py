"""The Corefile language: `load` makes typed trees of files, `bind` makes a room's Config of a directive.

Text goes lexer → parser → expand (imports, snippets, variables) → blocks (keys). What is wrong is collected in
`complaints`, so that one run names everything.
"""
