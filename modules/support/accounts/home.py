"""Makes a home directory that an existing account lacks, from the skeleton."""

import os


def make(account, skeleton, mask):
    """The directory with the skeleton's contents, owned by the account; links in the skeleton stay links."""
    source = skeleton or "/etc/skel"
    mode = 0o777 & ~int(mask, 8) if mask else 0o755
    os.mkdir(account.home, 0o700)
    if os.path.isdir(source):
        copy(source, account.home)
    for folder, folders, files in os.walk(account.home):
        for name in folders + files:
            os.chown(os.path.join(folder, name), account.uid, account.gid, follow_symlinks=False)
    os.chmod(account.home, mode)
    # Last, so that the user cannot put links into it while we are still at work.
    os.chown(account.home, account.uid, account.gid, follow_symlinks=False)


def copy(source, target):
    """The tree below ``source``."""
    import shutil  # costs 3 ms, and most tasks make no home
    for name in os.listdir(source):
        here, there = os.path.join(source, name), os.path.join(target, name)
        if os.path.islink(here) or not os.path.isdir(here):
            shutil.copy2(here, there, follow_symlinks=False)
        else:
            shutil.copytree(here, there, symlinks=True)
