"""Purposes, services and cookies of a site."""
