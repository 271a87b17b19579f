package dnspolicy.steps

all := input.target.endpoints

site := data.site.tested(left_for_site)
