"""How a job reaches a host: ``ssh`` and ``local`` here; one interface (`base.Connection`) for all carriers."""
