"""Answers made of patterns and templates."""

from dnspolicy.plugins.template.config import Config
from dnspolicy.plugins.template.handler import TemplateRoom

__all__ = ["Config", "TemplateRoom"]
