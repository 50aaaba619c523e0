"""The steps of a night that learn what the lists use, beside the champions, as Prefect tasks."""

from __future__ import annotations

from flows.steps import step
from pipeline.community.show_training import try_show_rules
from pipeline.engagement.uplift_training import train_uplift

learn_uplift = step(train_uplift)
learn_to_show = step(try_show_rules)
