"""The register IR at native speed."""
