"""What is wrong with manifests of Functions, before they are applied: rules, and how their findings are written."""
