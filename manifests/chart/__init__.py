"""What writes the parts of the Helm chart that say what something else says: `make chart`.

Rights, admission policies and the definition are those of manifests/base, and the schema of `policy` is that of the
policy file. What a chart is asked to vary (the workloads, the policy) is written by hand, in chart/templates.
"""
