"""The people of the demo site; their addresses are of a reserved domain."""

from __future__ import annotations

from wit_admin.services.seeds.site import Person

MAREN = Person("maren", "Maren Voss", "maren@demo.example", "Keeps things small.")
TOMASZ = Person("tomasz", "Tomasz Łuczak", "tomasz@demo.example", "Tests first.")
IRENA = Person("irena", "Irena Duarte", "irena@demo.example", "Writes and draws.")
KOFI = Person("kofi", "Kofi Mensah", "kofi@demo.example")
YUKI = Person("yuki", "Yuki Tanaka", "yuki@demo.example", "Searches.")

EVERYBODY = (MAREN, TOMASZ, IRENA, KOFI, YUKI)
