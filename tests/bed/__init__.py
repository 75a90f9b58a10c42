"""The bed that tests lie in: a Kubernetes API, a Lambda, and the ACK controller between them.

There are two, and a test cannot tell which one it got: the sandbox, in this process and on a fast clock (`--bed
sandbox`, the default), and the real thing (`--bed cluster`): kube-apiserver, etcd and ACK's lambda-controller.
`plugin.py` has the fixtures.
"""
