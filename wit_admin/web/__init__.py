"""HTTP: the git server, the JSON API, health and metrics.

A request is answered by the first of three parts that can; each hands over to the next::

    data of a client
      │
      ▼
    parserless_protocol  the same bytes were parsed before: look up the response, without a parser
      │ other bytes
      ▼
    caching_protocol     parse, then look up the response, without a task
      │ not cached
      ▼
    app                  an ASGI application in a task: git_http, json_api, health, metrics

The first two share the lookups of ``git_lookup`` and give the same response as ``app`` would, byte
for byte, or none. ``caching_protocol`` extends ``strict_protocol``, which limits and checks what
uvicorn's parser reads. ``server`` puts all of them together.
``docs/decisions/0013-three-ways-to-answer.md`` says what each way saves.
"""
