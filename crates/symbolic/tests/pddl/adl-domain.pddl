;; Lifts that serve all at once (after the ADL variant of Miconic): quantified and conditional effects, quantified,
;; disjunctive and negative conditions, constants.
(define (domain adl-lift)
  (:requirements :adl)
  (:types floor passenger - object vip - passenger)
  (:constants lobby - floor)
  (:predicates (origin ?p - passenger ?f - floor) (destination ?p - passenger ?f - floor) (above ?a ?b - floor)
               (boarded ?p - passenger) (served ?p - passenger) (at ?f - floor) (locked ?f - floor))
  (:action stop
    :parameters (?f - floor)
    :precondition (and (at ?f)
                       (imply (locked ?f) (exists (?v - vip) (boarded ?v)))
                       (forall (?p - passenger) (or (not (boarded ?p)) (not (= ?f lobby)) (destination ?p lobby))))
    :effect (and (forall (?p - passenger) (when (and (origin ?p ?f) (not (served ?p))) (boarded ?p)))
                 (forall (?p - passenger)
                   (when (and (boarded ?p) (destination ?p ?f))
                         (and (not (boarded ?p)) (served ?p))))))
  (:action move
    :parameters (?a ?b - floor)
    :precondition (and (at ?a) (or (above ?a ?b) (above ?b ?a)) (not (= ?a ?b)))
    :effect (and (at ?b) (not (at ?a)))))
