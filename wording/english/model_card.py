"""The card of a model."""

from __future__ import annotations

from typing import Final

MODEL_CARD: Final = {
    "model_card.kicker": "Model card",
    "model_card.title.churn": "Who leaves: the churn model",
    "model_card.title.value": "Who spends: the value model",
    "model_card.about": "{community}, trained on everything up to {night:day}. Kind of model: {kind}.",
    "model_card.population": "What it predicts, and for whom",
    "model_card.predicts.churn": "The probability that a member does nothing on the {days:count:day} after the night.",
    "model_card.predicts.value": "What a member spends on the {days:count:day} after the night, refunds taken off.",
    "model_card.scored.churn": "Scored are members who were active on one of the last {days:count:day}; members who may not be "
    "profiled, staff and bots are neither scored nor learnt from.",
    "model_card.scored.value": "Every member seen is scored; members who may not be profiled, staff and bots are neither scored "
    "nor learnt from.",
    "model_card.data": "It reads what these tables say: {tables}.",
    "model_card.part": "Part",
    "model_card.cutoffs": "Cut-offs",
    "model_card.rows": "Rows",
    "model_card.measured": "How good it is",
    "model_card.outcome.churn": "Measured by a model of the same settings on {n:count:member} at the test cut-off, whose outcome "
    "it had not seen; {share:percent} of them left. Beside it stand the simple rules.",
    "model_card.outcome.value": "Measured by a model of the same settings on {n:count:member} at the test cut-off, whose spend "
    "it had not seen; they spent {mean} on average. Beside it stand the simple rules.",
    "model_card.slices": "How good it is for whom",
    "model_card.slices.how": "The same members, divided. Groups of fewer than 50 are taken together as “other”, or left "
    "out where even these are fewer; tiers are those of the last night before the test cut-off.",
    "model_card.by.presence": "By presence",
    "model_card.by.tier": "By tier",
    "model_card.by.tenure": "By time here",
    "model_card.by.platform": "By platform",
    "model_card.by.region": "By region",
    "model_card.by.cohort": "By the time of joining",
    "model_card.lift": "Lift of the top tenth",
    "model_card.spent": "Spent",
    "model_card.learnt": "What it learnt",
    "model_card.learnt.how": "By habit: its share of what all splits of the trees gained. It says what the model looks at, not "
    "why members leave.",
    "model_card.learnt.nothing": "It is a simple rule and has learnt no trees.",
    "model_card.learnt.no_split": "Its trees have found nothing yet that tells members apart.",
    "model_card.learnt.starting": "Too few members of its own to stand alone: {share:percent} of the weight is with the starting "
    "model, learnt from other communities.",
    "model_card.limits": "What it cannot do",
    "model_card.limit.not_causes": "It finds what goes together, not causes: it does not say what would keep a member. Whether "
    "talking works is measured with holdouts.",
    "model_card.limit.unseen": "It sees only what the exports hold. A change outside them, such as a new competitor or a closed "
    "channel, shows only once members act on it.",
    "model_card.limit.past": "It assumes that the time after the night is like the time after the cut-offs; when the community "
    "changes, its probabilities come true late.",
    "model_card.limit.newcomers": "Of members who joined a few days ago it knows little; their figures are closest to the mean.",
    "model_card.limit.one_cutoff": "The figures come from one cut-off ({cutoff:short_day}) and move from one to the next: the "
    "backtest has several, and the report says how each night came true.",
    "model_card.limit.not_measured": "Nothing is measured yet: history is too short for a cut-off that it has not learnt from.",
    "model_card.limit.off": "{slice} ({kind}): {predicted:percent} were predicted to leave and {happened:percent} did.",
    "model_card.limit.off.spend": "{slice} ({kind}): the predicted total is {ratio:digits:2} times the real one.",
    "model_card.limit.no_tier": "By tier it is not measured yet: no night was run before the test cut-off.",
    "model_card.settings": "Settings",
    "model_card.footer": "Made by Evenfall. This page names no member.",
    # The settings of [prediction], in the order of the configuration.
    "model_card.setting.step_days": "Days between one cut-off and the next",
    "model_card.setting.max_cutoffs": "Most cut-offs to learn from",
    "model_card.setting.min_history_days": "Days of history before a cut-off, at least",
    "model_card.setting.seed": "Seed of everything random",
    "model_card.setting.num_leaves": "Leaves of one tree",
    "model_card.setting.learning_rate": "How far one tree moves the prediction",
    "model_card.setting.rounds": "Trees",
    "model_card.setting.min_rows_per_leaf": "Rows in one leaf, at least",
    "model_card.setting.feature_share": "Share of the features that each tree may use",
    "model_card.setting.row_share": "Share of the rows that each tree learns from",
    "model_card.setting.leaf_penalty": "Penalty on the values of the leaves",
    "model_card.setting.half_life_days": "Days after which a cut-off counts half",
    "model_card.setting.max_training_rows": "Most rows to learn from",
    "model_card.setting.learning_members": "Most members to learn from",
    "model_card.setting.max_categories": "Values of a text told apart, at most",
    "model_card.setting.min_members_to_learn": "Members needed for trees, at least",
    "model_card.setting.min_outcomes_to_learn": "Members of each outcome needed for trees, at least",
    "model_card.setting.min_outcomes_for_recency": "Members of each outcome needed for a simple rule, at least",
    "model_card.setting.calibration_folds": "Groups of members to calibrate by where history is short",
    "model_card.setting.spend_cap_quantile": "Quantile of spend above which more counts no more",
    "model_card.setting.anchor_weight": "Outcomes that move the predicted total half of the way",
    "model_card.setting.lifetime_model": "Buy-till-you-die model",
    "model_card.setting.lifetime_share": "Weight of the buy-till-you-die model in churn",
    "model_card.setting.value_start": "Where the trees of expected spend start",
    "model_card.setting.tweedie_power": "Variance power of the loss of spend",
    "model_card.setting.starting_model": "The starting model may help",
    "model_card.setting.search_budget": "Most settings tried",
    "model_card.setting.search_rows": "Most rows a setting on trial learns from",
    "model_card.setting.level": "Level of all predictions",
    "model_card.setting.leak_limit": "A feature that alone tells the outcome better than this stops the training",
    "model_card.setting.num_threads": "Threads",
    "model_card.setting.level_factor": "Factor on expected spend that sets its level",
}
