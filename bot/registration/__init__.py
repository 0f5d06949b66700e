"""People, where they are vaccinated and when: the registry behind every conversation and every campaign.

Knows nothing of flows, of gateways or of the web.
"""
