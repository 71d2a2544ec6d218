"""SAGE as a service of systemd: releases beside each other, one of them current."""
