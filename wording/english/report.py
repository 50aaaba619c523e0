"""The morning report: headlines, sections, drawings."""

from __future__ import annotations

from typing import Final

# Of a headline, what stands before the asterisk is set bold.
HEADLINES: Final = {
    "headline.active": "{n:count:member}* {n:plural:was|were} active in the last 7 days, {compared}{joined}.",
    "headline.active.joined": "; {n:count:member} joined",
    "headline.talk": "Talk to {n:count:member}* on {day:day}{most}.",
    "headline.talk.most": ", most of all {actions}",
    "headline.talk.action": "“{action}” ({members:number})",
    "headline.newly_at_risk": "{n:number}* of your {valuable:number} {tiers} {valuable:noun:member} "
    "{n:plural:is|are} newly at risk.",
    "headline.newly_at_risk.none": "None* of your {valuable:number} {tiers} {valuable:noun:member} "
    "{valuable:plural:is|are} newly at risk.",
    "headline.risk": "{high:number} of {n:count:member} still here* ({share}) {high:plural:has|have} a high risk of leaving, "
    "that is of no activity over the next {days:count:day}{before}; {leaving:number} of all still here are expected to leave.",
    "headline.risk.before": " (the night before {n:number})",
    "headline.gone": "{n:count:member}* {n:plural:has|have} been silent for {days:number} to {eligible:count:day}; {back:number} "
    "of them {back:plural:is|are} expected to come back over the next {days:count:day}.",
    "headline.nearly_all": "Nearly everybody is expected to leave:* {leaving:number} of {n:count:member} still here ({share}) "
    "within {days:count:day}. So a high risk, which {high:number} of them have, sets nobody apart; go by the probability.",
    "headline.nearly_all.scored": "Nearly everybody is expected to leave or to stay away:* {leaving:number} of {n:count:member} "
    "scored ({share}) over {days:count:day}. So a high risk, which {high:number} of them have, sets few apart; go by the "
    "probability.",
    "headline.spend": "{n:money}* was spent in the last 7 days, refunds taken off{compared}.",
    "headline.spend.compared": ", {change}",
    "headline.expected": "{n:money}* is what all members together are expected to spend over the next {days:count:day}.",
    "headline.no_data": "No new data* arrived; this night rests on what was there.",
    "headline.data": "{n:count:row}* {n:plural:was|were} read; every one is accounted for and none was set aside.",
    "headline.broken": "{broken:number}* of {n:count:row} read {broken:plural:was|were} set aside for breaking a rule.",
    # Two weeks beside each other.
    "change.none": "as the week before",
    "change.none_before": "after none the week before",
    "change.steady": "about the same as the week before",
    "change.members.times": "{times} times as many as the week before",
    "change.members.more": "{share:percent} more than the week before",
    "change.members.less": "{share:percent} fewer than the week before",
    "change.spend.times": "{times} times as much as the week before",
    "change.spend.more": "{share:percent} more than the week before",
    "change.spend.less": "{share:percent} less than the week before",
}

SECTIONS: Final = {
    "page.language": "en",
    "report.kicker": "Morning report",
    "report.until": "Everything up to the end of {night:day} · {members:count:member} ever seen",
    "report.warnings": "Before you rely on this",
    "report.footer": "Made by Evenfall. This page names no member; the names are in the lists of the same night.",
    "report.footer.folder": "Made by Evenfall. This page names no member; the names are in the lists of the same night, "
    "in {folder}.",
    # Who may leave, and who may come back.
    "risk.title": "Who may leave, and who may come back",
    "risk.who": "Members scored",
    "risk.still_here": "Still here, may leave",
    "risk.gone": "Gone, may come back",
    "risk.high": "High risk",
    "risk.medium": "Medium",
    "risk.low": "Low",
    "risk.leaving": "Expected to leave or stay away",
    "risk.staying": "Expected to stay or come back",
    "risk.meaning": "Still here: active in the last {days:count:day}. Gone: silent for longer, but active in the last "
    "{eligible:count:day}. Leaving or staying away means no activity over the next {days:count:day}.",
    "risk.classes": "Risk is high from a probability of {high:percent}, medium from {medium:percent}.",
    # Valuable and newly at risk.
    "newly_at_risk.title": "Valuable and newly at risk",
    "newly_at_risk.by_tier": "By tier",
    "newly_at_risk.by_group": "By behaviour group",
    "newly_at_risk.by_reason": "Main reasons",
    "newly_at_risk.nobody_valuable": "No member has reached a tier that counts as valuable yet.",
    "newly_at_risk.first_night": "This is the first night: from tomorrow on, this part tells who became at risk since the "
    "night before.",
    "newly_at_risk.members": "The risk of leaving became high last night for {figure} of {valuable:count:valuable_member}.",
    "contact_list.open": "Open the contact list",
    "contact_list.rows": "{n:count:member}, best first, with names and reasons.",
    # Activity.
    "activity.title": "Active members, day by day",
    "activity.each_day": "each day",
    "activity.mean": "mean of 7 days. The number is the mean of the last 7 days.",
    # Tiers and groups.
    "tiers.title": "Tiers",
    "tiers.tier": "Tier",
    "tiers.members": "Members",
    "tiers.night_before": "Night before",
    "tiers.change": "Change",
    "tiers.high_risk": "Still here, high risk",
    "tiers.expected": "Expected spend",
    "tiers.first_night": "The first night: there is nothing to compare with yet.",
    "tiers.horizon": "Expected spend: of all members of the tier, over the next {days:count:day}.",
    "tiers.rule.money": "Members rank by what they spent in the last 365 days plus what they are expected to spend over the next "
    "{days:count:day}; where that is equal, by what they contributed.",
    "tiers.rule.contribution": "Members rank by what they contributed in the last 365 days: what they posted, how they responded "
    "to others, how others responded to them, and on how many days they were active.",
    "tiers.rule.weights": "Members rank by the member value score, with the weights that the configuration sets.",
    "tiers.rule.bands": "Diamond is entered by the best {diamond:percent}, gold by the best {gold:percent} and silver by the "
    "best {silver:percent} of those active in the last {days:count:day} and on two days of the year or more. Whoever was active "
    "on a single day of the year is gold at most, and whoever was silent for {days:count:day} or longer is regular.",
    "tiers.key.tonight": "tonight",
    "tiers.key.night_before": "the night before",
    "groups.title": "Lifecycle and behaviour",
    "groups.lifecycle": "Lifecycle",
    "groups.behaviour": "Behaviour",
    "groups.stages": "New: joined in the last {new:count:day}. At risk: silent for {at_risk:count:day} or longer, or of a high "
    "risk of leaving. Dormant: silent for {dormant:count:day} or longer. Lost: for {lost:count:day} or longer, or never active. "
    "Returning: back after two months or more without a visit. Active: everybody else.",
    "groups.not_profiled": "{n:count:member} who may not be profiled {n:plural:is|are} in no tier, stage or group.",
    # Models.
    "models.title": "How good the predictions are",
    "models.churn": "Churn",
    "models.value": "Value",
    "models.trained": "Learnt from everything up to {night:short_day} ({age:ago}).",
    "models.trained.measured": "Learnt from everything up to {night:short_day} ({age:ago}); measured on {measured_on}.",
    "models.measured_on": "members whose outcome it had not seen",
    "models.measured_on.nothing": "no past night yet",
    "models.better": "It tells members apart better than the best simple rule does.",
    "models.no_better": "It tells members apart no better than a simple rule does.",
    "models.card.churn": "How well it predicts who leaves, in detail",
    "models.card.spend": "How well it predicts what members spend, in detail",
    "models.not_measured": "It has not been measured yet: no night's outcome is known.",
    "models.measure": "Measure",
    "models.calibration": "Dots on the dashed line: the predictions come true as often as they say. "
    "Larger dots stand for more members.",
    "models.calibration.everybody": "The same of everybody, still here and gone together.",
    "models.lift.churn": "Members sorted by risk: how many times as often the riskiest leave. "
    "The dashed line is picking by chance.",
    "models.lift.spend": "Members sorted by expected spend: how many times the mean they spent. "
    "The dashed line is picking by chance.",
    # Matured predictions.
    "matured.title": "Did it come true?",
    "matured.newest": "Of {n:count:member} scored on {night:short_day}, {predicted:percent} were predicted to leave within "
    "{days:count:day}; {happened:percent} did.",
    "matured.auc": "Of two members of whom one left, it had picked the right one {auc:percent} of the time; chance would be "
    "50 %.",
    "matured.spend": "The expected spend of the newest night whose outcome is known was {ratio:digits:2} times the real one.",
    "matured.trend": "Line: the share predicted to leave. Dots: the share that did, one dot a night.",
    "matured.calibration": "Dots on the dashed line: predictions came true as often as they said. "
    "Larger dots stand for more members.",
    "matured.lift": "Members sorted by risk: how many times as often the riskiest left. The dashed line is picking by chance.",
    "matured.bands": "By tier and by time here",
    "matured.chosen": "Those chosen for contact",
    "matured.chosen.meaning": "Members whom that night chose because they might leave. Those left alone show how well the list "
    "was chosen; of those contacted, fewer should have left than expected.",
    "matured.chosen.times": "times everyone’s",
    "matured.chosen.all": "all chosen",
    "matured.chosen.held_out": "left alone, to compare",
    "matured.chosen.contacted": "contacted",
    "matured.chosen.not_contacted": "listed, no contact known",
    # Predictions whose outcome is not known yet.
    "watch.title": "How sure tonight’s predictions are",
    "watch.auc": "Of two members of whom one leaves, the ranking is expected to pick the right one {auc:percent} of the time; "
    "chance would be 50 %.",
    "watch.auc_here": "Among those still here alone it is {auc:percent}.",
    "watch.share": "Four times of five, between {low:percent} and {high:percent} of those scored leave.",
    "watch.value": "Four times of five, all members together spend between {low:money} and {high:money}.",
    "watch.early": "Of {n:count:member} scored on {night:short_day}, {happened:number} {happened:plural:was|were} active again "
    "within {days:count:day}; {expected:number} {expected:plural:was|were} expected.",
    "watch.beyond_chance": "That is more than chance and the usual ups and downs explain.",
    "watch.moved": "Compared with the members that the model learnt from, tonight’s differ most in: {what}.",
    "watch.cause.new_value": "Members have a value of {what} that the model has never seen: a new channel or a changed source.",
    "watch.cause.intake": "What arrived is unusual, too: see the other sentences here.",
    "watch.cause.season": "The same days of last year were alike: the season.",
    "watch.cause.unknown": "Nothing known explains it: look at what arrived and at the sources before you rely on the figures.",
    # Data.
    "data.title": "Tonight's data",
    "data.broken": "Rules that rows broke",
    "data.table": "Table",
    "data.rule": "Rule",
    "data.rows": "Rows",
    "data.checks": "See every check, with examples",
}

MEASURES: Final = {
    "measure.still_here_auc": "AUC, still here",
    "measure.still_here_auc.meaning": "Among members active within the horizon: how often one who left was ranked above one who "
    "stayed; 0.5 is chance.",
    "measure.still_here_brier": "Brier score, still here",
    "measure.still_here_brier.meaning": "Mean squared error of their probabilities.",
    "measure.still_here_calibration_slope": "Calibration slope, still here",
    "measure.still_here_calibration_slope.meaning": "1 when their high and low probabilities mean what they say.",
    "measure.gone_auc": "AUC, gone",
    "measure.gone_auc.meaning": "Among members silent for longer: how often one who stayed away was ranked above one "
    "who came back.",
    "measure.gone_brier": "Brier score, gone",
    "measure.gone_brier.meaning": "Mean squared error of their probabilities.",
    "measure.auc": "AUC, all scored",
    "measure.auc.meaning": "How often a member who left was ranked above one who stayed; 0.5 is chance.",
    "measure.ngini": "nGini",
    "measure.ngini.meaning": "How well members are ordered by what they went on to spend; 1 is perfect.",
    "measure.rmse": "RMSE",
    "measure.rmse.meaning": "Typical error of one member's expected spend.",
    "measure.total_ratio": "Predicted over actual total",
    "measure.total_ratio.meaning": "1 when the sum over all members came true.",
}

# Titles are read to those who do not see a drawing.
CHARTS: Final = {
    "chart.activity": "Active members on each of the last {days} days, with the mean of 7 days",
    "chart.tiers": "Members in each tier tonight and the night before",
    "chart.calibration": "How often members left, against how often it was predicted",
    "chart.calibration.predicted": "Predicted to leave",
    "chart.calibration.observed": "Really left",
    "chart.trend": "Predicted and real share of members leaving, for {nights} past nights",
    "chart.trend.share": "Share of members leaving",
    "chart.lines": "{measure} of {models} models at {cutoffs} cut-offs",
    "chart.lift.first": "the first {percent} %: {lift} ×",
    "chart.lift.churn": "How many times as often the riskiest members left, compared with everyone",
    "chart.lift.churn.members": "Riskiest share of members",
    "chart.lift.churn.times": "Times as many leave",
    "chart.lift.spend": "How many times the mean the members with the most expected spent",
    "chart.lift.spend.members": "Share of members, most expected first",
    "chart.lift.spend.times": "Times the mean spend",
}
