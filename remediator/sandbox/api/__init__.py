"""The sandbox's Kubernetes API without its HTTP front: kinds, storage, and what each verb does.

Modelled on kube-apiserver 1.36: status codes, reasons and words are those that it answers.
"""
