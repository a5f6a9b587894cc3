"""What went wrong with client-certificate authentication: rules over what a connection shows."""

from tlswire.analysis.diagnosis.authorities import SCHANNEL_LIMIT
from tlswire.analysis.diagnosis.diagnose import diagnose
from tlswire.analysis.diagnosis.finding import Finding, Severity

__all__ = ["SCHANNEL_LIMIT", "Finding", "Severity", "diagnose"]
