package checks

import "go/types"

// export tells the importers of the package what is known of its functions.
func (p *program) export() {
	for again := p.isOurs(); again; {
		again = false
		for _, u := range p.all {
			if u.stops == "" && u.kind == never && !u.asks {
				u.stops = p.stopsBy(u)
				again = again || u.stops != ""
			}
		}
	}
	for _, u := range p.all {
		fn, ok := u.obj.(*types.Func)
		if !ok || fn.Pkg() != p.pass.Pkg {
			continue
		}
		if u.kind != never {
			p.pass.ExportObjectFact(fn, &Waits{Lazily: u.kind == lazily, Dual: u.kind == dual})
		}
		p.exportHands(fn)
		if u.stops != "" {
			p.pass.ExportObjectFact(fn, &Stops{By: u.stops})
		}
	}
}

// isOurs reports whether the package is of the main module or its workspace. What blocks in others
// may do so rarely, and nobody here can mend it.
func (p *program) isOurs() bool { return p.pass.Module == nil || p.pass.Module.Version == "" }

// exportHands tells the importers of the package where fn runs its parameters.
func (p *program) exportHands(fn *types.Func) {
	fact := &Hands{}
	known := false
	for v := range fn.Signature().Params().Variables() {
		where := unknown
		if f := p.params[v]; f != nil {
			where = f.where
		}
		known = known || where != unknown
		fact.Where = append(fact.Where, uint8(where))
	}
	if known {
		p.pass.ExportObjectFact(fn, fact)
	}
}
