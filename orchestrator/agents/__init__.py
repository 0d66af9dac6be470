"""The mailbox: hosts that call in themselves. Who they are, what waits for them, what they brought back.

`desk.Desk` is what the gateway and the command line call; `post.Post` is the carrier's side. Both speak to the store
directly. Nothing of this is imported by a run whose hosts are all reached otherwise.
"""
