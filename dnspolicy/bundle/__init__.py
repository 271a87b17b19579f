"""Bundles of Open Policy Agent: policies and data in one archive, with a manifest and a signature."""

from dnspolicy.bundle.build import Contents, build
from dnspolicy.bundle.errors import BundleError, BundleNotOpened
from dnspolicy.bundle.keys import Algorithm, Trust, VerificationKey, signing_key, verification_key
from dnspolicy.bundle.limits import Limits
from dnspolicy.bundle.manifest import Manifest, overlap
from dnspolicy.bundle.read import Bundle, BundleFile, open_bundle
from dnspolicy.bundle.signature import Signer

__all__ = [
    "Algorithm",
    "Bundle",
    "BundleError",
    "BundleFile",
    "BundleNotOpened",
    "Contents",
    "Limits",
    "Manifest",
    "Signer",
    "Trust",
    "VerificationKey",
    "build",
    "open_bundle",
    "overlap",
    "signing_key",
    "verification_key",
]
