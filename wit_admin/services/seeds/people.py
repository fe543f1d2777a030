"""Who lives on the demo site. The addresses can never be anybody's."""

from __future__ import annotations

from wit_admin.services.seeds.site import Person

MAREN = Person("maren", "Maren Voss", "maren@demo.example", "Keeps things small.")
TOMASZ = Person("tomasz", "Tomasz Lis", "tomasz@demo.example", "Tests first.")
INES = Person("ines", "Inês Duarte", "ines@demo.example", "Writes and draws.")
KOFI = Person("kofi", "Kofi Mensah", "kofi@demo.example")
YUKI = Person("yuki", "Yuki Tanaka", "yuki@demo.example", "Searches.")

EVERYBODY = (MAREN, TOMASZ, INES, KOFI, YUKI)
